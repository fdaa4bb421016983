#!/bin/bash
# Run by EMR on each node before Spark starts: Python 3.11 needs the numpy that Spark ML imports.
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-bootstrap.html
set -euo pipefail

python3.11 -c 'import numpy' 2>/dev/null && exit 0
python3.11 -m pip --version >/dev/null 2>&1 || sudo dnf install -y python3.11-pip
sudo python3.11 -m pip install 'numpy<3'
