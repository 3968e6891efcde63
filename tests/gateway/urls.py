from django.urls import include, path

urlpatterns = [path("rivet/", include("actorqueues.gateway.urls"))]
