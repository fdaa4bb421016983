"""The pages as an app that Airflow's API server mounts.

Airflow does not protect the apps of plugins: each route here asks for Airflow's own user and permissions.
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

RELOAD_SECONDS = 15

router = APIRouter()
reads_runs = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
reads_logs = Depends(requires_access_dag("GET", DagAccessEntity.TASK_LOGS))


@router.get("/reports", dependencies=[reads_runs])
def list_reports(user: GetUserDep) -> Response:
    """The newest reports of the DAGs that the user may read."""
    dag_ids = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    return page("reports.html", reports=reports.newest(dag_ids), most=reports.NEWEST)


@router.get("/dags/{dag_id}/runs/{run_id}/report", dependencies=[reads_runs])
def show_report(dag_id: str, run_id: str) -> Response:
    """A frame around the report that says what the report itself cannot know."""
    settings = aws.settings()
    report = reports.of_run(dag_id, run_id)
    where = reports.place(settings, report)
    replaced = reports.is_replaced(settings, report, where)
    return page("report.html", report=report, file=where.name, replaced=replaced)


@router.get("/dags/{dag_id}/runs/{run_id}/report/{name}", dependencies=[reads_runs])
def read_report(dag_id: str, run_id: str, name: str) -> Response:
    """The report's page or a picture beside it, as it lies on S3."""
    settings = aws.settings()
    where = reports.place(settings, reports.of_run(dag_id, run_id))
    content, media_type = reports.read(settings, where, name)
    return Response(content, media_type=media_type, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/step", dependencies=[reads_logs])
def show_step(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
    """The step that a task waits for, with its logs."""
    address = steps.of_task(dag_id, run_id, task_id, map_index)
    step = steps.look(aws.settings(), address)
    again = {"Refresh": str(RELOAD_SECONDS)} if step.unfinished else {}
    task_path = "dags/{}/runs/{}/tasks/{}".format(
        *(quote(name, safe="") for name in (dag_id, run_id, task_id))
    )
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return page(
        "step.html",
        headers=again,
        step=step,
        task_id=task_id,
        run_id=run_id,
        dag_id=dag_id,
        task_page=f"{API_ROOT_PATH}{task_path}{mapped}",
        reload_seconds=RELOAD_SECONDS,
    )


def create_app() -> FastAPI:
    """Return the app, without the documentation pages that FastAPI would serve to anybody."""
    app = FastAPI(title="EMR pipeline", openapi_url=None)
    app.include_router(router)
    app.middleware("http")(_harden)
    app.exception_handler(Problem)(_tell_problem)
    app.exception_handler(HTTPException)(_tell_refusal)
    app.exception_handler(RequestValidationError)(_tell_bad_request)
    return app


async def _harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", OWN_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _tell_problem(request: Request, problem: Problem) -> Response:
    return _tell(request, problem.title, problem.text, problem.status)


def _tell_bad_request(request: Request, _: RequestValidationError) -> Response:
    return _tell(request, "This address is malformed", "Open the page from the run or the task again.", 422)


def _tell_refusal(request: Request, refusal: HTTPException) -> Response:
    """Send a browser without a valid login to the login page; a frame is told, for a login page refuses frames."""
    if refusal.status_code == HTTPStatus.UNAUTHORIZED and _is_browser(request):
        if request.headers.get("Sec-Fetch-Dest", "document") == "document":
            query = urlencode({"next": str(request.url)})
            return RedirectResponse(f"{API_ROOT_PATH}api/v2/auth/login?{query}")
        return _tell(request, "You are not logged in", "Reload Airflow's page to log in again.", 401)
    titles = {401: "You are not logged in", 403: "You may not see this", 404: "There is no such page"}
    title = titles.get(refusal.status_code, "This did not work")
    hint = " Ask for the permission to read this DAG." if refusal.status_code == HTTPStatus.FORBIDDEN else ""
    return _tell(request, title, f"{refusal.detail}.{hint}", refusal.status_code)


def _tell(request: Request, title: str, text: str, status: int) -> Response:
    if _is_browser(request):
        return page("message.html", status, title=title, text=text)
    return JSONResponse({"detail": f"{title}: {text}"}, status)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")
