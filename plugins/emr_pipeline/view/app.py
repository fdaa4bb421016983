"""The pages as a FastAPI app that Airflow's API server mounts.

Airflow does not protect the apps of plugins. Therefore each route here checks Airflow's user and permissions.
https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/plugins.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote, urlencode

from airflow.api_fastapi.app import API_ROOT_PATH, get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from emr_pipeline.view import aws, reports, steps
from emr_pipeline.view.pages import OWN_POLICY, REPORT_POLICY, Problem, page

RELOAD_SECONDS = 5
SPARK_UI_SECONDS = 2

router = APIRouter()
reads_runs = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
reads_logs = Depends(requires_access_dag("GET", DagAccessEntity.TASK_LOGS))


@router.get("/reports", dependencies=[reads_runs])
def list_reports(user: GetUserDep) -> Response:
    """List the newest reports of the DAGs that the user may read."""
    dag_ids = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    return page("reports.html", reports=reports.newest(dag_ids), limit=reports.LIMIT)


@router.get("/dags/{dag_id}/runs/{run_id}/report", dependencies=[reads_runs])
def show_report(dag_id: str, run_id: str) -> Response:
    """Show the report of a run in a frame, with the state of the run."""
    settings = aws.settings()
    report = reports.of_run(dag_id, run_id)
    location = reports.locate(settings, report)
    replaced = reports.is_replaced(settings, report, location)
    return page("report.html", report=report, file=location.name, replaced=replaced)


@router.get("/dags/{dag_id}/runs/{run_id}/report/{name}", dependencies=[reads_runs])
def read_report(dag_id: str, run_id: str, name: str) -> Response:
    """Return a file of the report from S3: its page, or a chart."""
    settings = aws.settings()
    location = reports.locate(settings, reports.of_run(dag_id, run_id))
    content, media_type = reports.read(settings, location, name)
    return Response(content, media_type=media_type, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/spark-ui", dependencies=[reads_logs])
def open_spark_ui(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
    """Redirect to the Spark UI of the step that a task waits for; the link is made now, because it expires."""
    address = steps.of_task(dag_id, run_id, task_id, map_index)
    if url := steps.spark_ui(aws.settings(), address):
        return RedirectResponse(url)
    text = f"The Spark UI of cluster {address.cluster_id} is starting. This page opens it."
    refresh = {"Refresh": str(SPARK_UI_SECONDS)}
    return page("message.html", headers=refresh, title="The Spark UI is starting", text=text)


@router.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/step", dependencies=[reads_logs])
def show_step(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
    """Show the step that a task waits for, with its logs."""
    address = steps.of_task(dag_id, run_id, task_id, map_index)
    step = steps.describe(aws.settings(), address)
    refresh = {"Refresh": str(RELOAD_SECONDS)} if step.unfinished else {}
    task_path = "dags/{}/runs/{}/tasks/{}".format(
        *(quote(name, safe="") for name in (dag_id, run_id, task_id))
    )
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return page(
        "step.html",
        headers=refresh,
        step=step,
        task_id=task_id,
        run_id=run_id,
        dag_id=dag_id,
        task_page=f"{API_ROOT_PATH}{task_path}{mapped}",
        reload_seconds=RELOAD_SECONDS,
        spark_ui=f"spark-ui?map_index={map_index}" if map_index >= 0 else "spark-ui",
    )


def create_app() -> FastAPI:
    """Return the app, without FastAPI's documentation pages, which need no login."""
    app = FastAPI(title="EMR pipeline", openapi_url=None)
    app.include_router(router)
    app.middleware("http")(_add_security_headers)
    app.exception_handler(Problem)(_problem_response)
    app.exception_handler(HTTPException)(_http_error_response)
    app.exception_handler(RequestValidationError)(_bad_request_response)
    return app


async def _add_security_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", OWN_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _problem_response(request: Request, problem: Problem) -> Response:
    return _error_response(request, problem.title, problem.text, problem.status)


def _bad_request_response(request: Request, _: RequestValidationError) -> Response:
    return _error_response(
        request, "This address is malformed", "Open the page from the run or the task again.", 422
    )


def _http_error_response(request: Request, error: HTTPException) -> Response:
    """Return an error, or redirect to the login page; in a frame an error, as the login page is not shown in frames."""
    if error.status_code == HTTPStatus.UNAUTHORIZED and _is_browser(request):
        if request.headers.get("Sec-Fetch-Dest", "document") == "document":
            query = urlencode({"next": str(request.url)})
            return RedirectResponse(f"{API_ROOT_PATH}api/v2/auth/login?{query}")
        return _error_response(
            request, "You are not logged in", "Reload Airflow's page to log in again.", 401
        )
    titles = {401: "You are not logged in", 403: "Access denied", 404: "Page not found"}
    title = titles.get(error.status_code, "Request failed")
    hint = (
        " Ask an administrator for the permission to read this DAG."
        if error.status_code == HTTPStatus.FORBIDDEN
        else ""
    )
    return _error_response(request, title, f"{error.detail}.{hint}", error.status_code)


def _error_response(request: Request, title: str, text: str, status: int) -> Response:
    if _is_browser(request):
        return page("message.html", status, title=title, text=text)
    return JSONResponse({"detail": f"{title}: {text}"}, status)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")
