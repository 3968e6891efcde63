from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

HAS_RIVET = find_spec("cbor2") is not None  # pip install 'actorqueues[rivet]'

urlpatterns = [
    path("", include("demo_project.shop.urls")),
    path("admin/", admin.site.urls),
    path("api/actors/", include("actorqueues.api.urls")),
]
if HAS_RIVET:
    urlpatterns.append(path("rivet/", include("actorqueues.gateway.urls")))
