from django.contrib import admin
from django.urls import include, path

from benchmarks.web.views import InsertView

urlpatterns = [
    path("insert/", InsertView.as_view()),
    path("actors/", include("actorqueues.api.urls")),
    path("admin/", admin.site.urls),
]
