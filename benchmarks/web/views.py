import json
from typing import Any

from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.models import Bare


class WorkSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(default=0)
    text = serializers.CharField()


class InsertView(APIView):
    """What most projects would write instead of a message: validates the same body and inserts one row."""

    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        serializer = WorkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = Bare.objects.create(body=json.dumps(serializer.validated_data))
        return Response({"id": row.pk}, status=201)
