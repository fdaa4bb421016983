"""Write the admin password to the file that Airflow's SimpleAuthManager reads, then start the api-server.

Without the file, Airflow would generate a password and print it to the log.
"""

import json
import os
from pathlib import Path

file = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
file.touch(0o600)
file.write_text(json.dumps({"admin": os.environ.pop("ADMIN_PASSWORD")}))
os.execvp("airflow", ["airflow", "api-server"])
