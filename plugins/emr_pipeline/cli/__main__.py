"""``python -m emr_pipeline.cli`` is the same command as ``emr-pipeline``."""

import sys

from emr_pipeline.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
