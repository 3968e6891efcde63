from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from demo_project.access import may_kill
from demo_project.shop.killing import kill_workers, running_workers
from demo_project.shop.listings import python_listing, script_listing
from demo_project.shop.pages import PAGES, Page

# Nothing inline, nothing from elsewhere. 'self' is the WebSocket too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return rendered(request, "shop/index.html", {})


@require_safe
def live_page(request: HttpRequest, page: Page) -> HttpResponse:
    listings = [*map(python_listing, page.code), script_listing(page.script)]
    context = {"page": page, "listings": listings, "workers": running_workers()}
    return rendered(request, f"shop/{page.name}.html", context)


def rendered(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, {"pages": PAGES, **context})
    response.headers["Content-Security-Policy"] = POLICY
    return response


@require_http_methods(["GET", "POST"])
def worker(request: HttpRequest) -> JsonResponse:
    """Which worker processes run; a POST kills them. Only for who sits at this machine."""
    if request.method == "GET":
        return JsonResponse({"running": running_workers()})
    if not may_kill(request):
        return JsonResponse({"error": "Only from the machine that the demo runs on."}, status=403)
    return JsonResponse({"killed": kill_workers()})
