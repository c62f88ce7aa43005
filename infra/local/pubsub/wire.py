"""The messages of Pub/Sub's own API, as plain protobuf classes.

The wrappers that google-cloud-pubsub puts around them convert every field that is touched, for every message.
"""

from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.internal import enum_type_wrapper
from google.pubsub_v1 import types

Proto = Any
"""A message of one of the classes below; they are made at run time, so that no type checker knows their fields."""

AcknowledgeRequest = types.AcknowledgeRequest.pb()
CommitSchemaRequest = types.CommitSchemaRequest.pb()
CreateSchemaRequest = types.CreateSchemaRequest.pb()
CreateSnapshotRequest = types.CreateSnapshotRequest.pb()
DeleteSchemaRequest = types.DeleteSchemaRequest.pb()
DeleteSchemaRevisionRequest = types.DeleteSchemaRevisionRequest.pb()
DeleteSnapshotRequest = types.DeleteSnapshotRequest.pb()
DeleteSubscriptionRequest = types.DeleteSubscriptionRequest.pb()
DeleteTopicRequest = types.DeleteTopicRequest.pb()
DetachSubscriptionRequest = types.DetachSubscriptionRequest.pb()
DetachSubscriptionResponse = types.DetachSubscriptionResponse.pb()
Empty = empty_pb2.Empty
GetSchemaRequest = types.GetSchemaRequest.pb()
GetSnapshotRequest = types.GetSnapshotRequest.pb()
GetSubscriptionRequest = types.GetSubscriptionRequest.pb()
GetTopicRequest = types.GetTopicRequest.pb()
ListSchemaRevisionsRequest = types.ListSchemaRevisionsRequest.pb()
ListSchemaRevisionsResponse = types.ListSchemaRevisionsResponse.pb()
ListSchemasRequest = types.ListSchemasRequest.pb()
ListSchemasResponse = types.ListSchemasResponse.pb()
ListSnapshotsRequest = types.ListSnapshotsRequest.pb()
ListSnapshotsResponse = types.ListSnapshotsResponse.pb()
ListSubscriptionsRequest = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse = types.ListSubscriptionsResponse.pb()
ListTopicSnapshotsRequest = types.ListTopicSnapshotsRequest.pb()
ListTopicSnapshotsResponse = types.ListTopicSnapshotsResponse.pb()
ListTopicSubscriptionsRequest = types.ListTopicSubscriptionsRequest.pb()
ListTopicSubscriptionsResponse = types.ListTopicSubscriptionsResponse.pb()
ListTopicsRequest = types.ListTopicsRequest.pb()
ListTopicsResponse = types.ListTopicsResponse.pb()
ModifyAckDeadlineRequest = types.ModifyAckDeadlineRequest.pb()
ModifyPushConfigRequest = types.ModifyPushConfigRequest.pb()
PublishRequest = types.PublishRequest.pb()
PublishResponse = types.PublishResponse.pb()
PubsubMessage = types.PubsubMessage.pb()
PullRequest = types.PullRequest.pb()
PullResponse = types.PullResponse.pb()
ReceivedMessage = types.ReceivedMessage.pb()
RollbackSchemaRequest = types.RollbackSchemaRequest.pb()
Schema = types.Schema.pb()
SeekRequest = types.SeekRequest.pb()
SeekResponse = types.SeekResponse.pb()
Snapshot = types.Snapshot.pb()
StreamingPullRequest = types.StreamingPullRequest.pb()
StreamingPullResponse = types.StreamingPullResponse.pb()
Subscription = types.Subscription.pb()
Topic = types.Topic.pb()
UpdateSnapshotRequest = types.UpdateSnapshotRequest.pb()
UpdateSubscriptionRequest = types.UpdateSubscriptionRequest.pb()
UpdateTopicRequest = types.UpdateTopicRequest.pb()
ValidateMessageRequest = types.ValidateMessageRequest.pb()
ValidateMessageResponse = types.ValidateMessageResponse.pb()
ValidateSchemaRequest = types.ValidateSchemaRequest.pb()
ValidateSchemaResponse = types.ValidateSchemaResponse.pb()

_enums = Schema.DESCRIPTOR.file.enum_types_by_name
Encoding: Proto = enum_type_wrapper.EnumTypeWrapper(_enums["Encoding"])
SchemaView: Proto = enum_type_wrapper.EnumTypeWrapper(_enums["SchemaView"])
