"""Exit with 0 when a part of Airflow is healthy: ``python healthy.py metadatabase|scheduler|dag_processor|triggerer``.

The api-server knows of each part by its heartbeat. ``airflow jobs check`` knows too, but starts all of Airflow to ask.
"""

import json
import sys
from urllib.request import urlopen

with urlopen("http://api-server:8080/api/v2/monitor/health", timeout=5) as answer:
    status = json.load(answer)[sys.argv[1]]["status"]
sys.exit(0 if status == "healthy" else f"{sys.argv[1]} is {status}")
