from django.urls import path

from actorqueues.api.webhooks import QueueView
from demo_project.access import FromOurPages
from demo_project.shop import views
from demo_project.shop.actors import Importer
from demo_project.shop.pages import PAGES

upload = QueueView.as_view(
    actor=Importer, queue=Importer.load, key="catalogue",
    accepts=["multipart/form-data"], authentication_classes=[FromOurPages],
)  # fmt: skip

urlpatterns = [
    path("", views.index, name="index"),
    path("import/upload/", upload, name="upload"),
    path("worker/", views.worker, name="worker"),
    *[path(f"{page.name}/", views.live_page, {"page": page}, name=page.name) for page in PAGES],
]
