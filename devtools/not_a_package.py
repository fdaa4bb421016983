"""The build backend of the project root, which is not a package: names the parts that can be installed."""

raise SystemExit(
    "The project root is not a package. Install one of its parts: pip install ./localaws, pip install ./plugins"
)
