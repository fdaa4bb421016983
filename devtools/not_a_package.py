"""The build backend of the project root, which is not a package: it tells what can be installed instead."""

raise SystemExit(
    "The project root is not a package. Install one of its parts: pip install ./localaws, pip install ./plugins"
)
