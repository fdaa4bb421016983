"""Write the admin's password where Airflow's SimpleAuthManager looks for it, then become the api-server.

Without the file it would make a password of its own and print it into the log.
"""

import json
import os
from pathlib import Path

file = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
file.touch(0o600)
file.write_text(json.dumps({"admin": os.environ.pop("ADMIN_PASSWORD")}))
os.execvp("airflow", ["airflow", "api-server"])
