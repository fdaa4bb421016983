"""Exit with 0 if a component of Airflow is healthy: ``healthy.py metadatabase|scheduler|dag_processor|triggerer``.

The api-server knows the heartbeat of each component. ``airflow jobs check`` does too, but loads all of Airflow for it.
"""

import json
import sys
from urllib.request import urlopen

with urlopen("http://api-server:8080/api/v2/monitor/health", timeout=5) as answer:
    status = json.load(answer)[sys.argv[1]]["status"]
sys.exit(0 if status == "healthy" else f"{sys.argv[1]} is {status}")
