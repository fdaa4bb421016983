#!/bin/bash
# Run by EMR on each node before Spark starts: Python 3.11 needs the numpy that Spark ML imports.
# The argument is the S3 folder with the wheels for nodes without internet access, which `emr-pipeline deploy` stages.
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-bootstrap.html
set -euo pipefail
shopt -s nullglob

has_numpy() { python3.11 -c 'import numpy' 2>/dev/null; }

has_numpy && exit 0

folder=$(mktemp -d)
if [ -n "${1:-}" ]; then
    aws s3 cp --recursive --no-progress --exclude '*' --include "numpy-*$(uname -m).whl" "$1" "$folder" ||
        echo "The wheels in $1 cannot be read: numpy is installed from PyPI" >&2
fi
wheels=("$folder"/*.whl)
if [ ${#wheels[@]} -gt 0 ]; then
    # A wheel is a zip file: Python unpacks it without pip, which the nodes do not have.
    packages=$(python3.11 -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    sudo python3.11 -m zipfile -e "${wheels[-1]}" "$packages"
    has_numpy && exit 0
    echo "Python 3.11 cannot import $(basename "${wheels[-1]}"): numpy is installed from PyPI" >&2
fi

if ! { python3.11 -m pip --version >/dev/null 2>&1 || sudo dnf install -y python3.11-pip; } ||
    ! sudo python3.11 -m pip install 'numpy<3' || ! has_numpy; then
    echo "numpy cannot be installed: the node has no internet access and ${1:-S3} has no wheel of numpy for Python 3.11" \
        "on $(uname -m). \`emr-pipeline deploy\` stages the wheels" >&2
    exit 1
fi
