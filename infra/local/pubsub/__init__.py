"""A small durable Pub/Sub server for one machine: the official clients reach it through `PUBSUB_EMULATOR_HOST`.

    __main__   the command line
    server     puts the parts together and serves them
    rpc        gRPC methods, refusals
    wire       the messages of Pub/Sub's own API
    names      what resources may be called
    config     what a subscription may ask for
    filters    the filter language
    broker     topics, subscriptions, publishing, dead-lettering
    snapshots, seek    what is held to be delivered again
    journal    one writer, group commit, SQLite
    store      what is read from SQLite
    backlog    the messages of one subscription
    subscription   a subscription at work: what delivers it, back-off
    leases     messages in the hands of a client
    paging     lists in pages
    publisher, subscriber, streaming   their services
    schema_service, schemas, codecs    schemas, and whether messages fit them
    push, answers                      delivery to an HTTP endpoint
    bigquery, rows                     delivery to a table
    metrics, tally   what waits, for how long, and how pushes were answered, for Prometheus
    topology   the topics and subscriptions of infra/functions.yaml

Delivered at least once, in publish order while nothing fails; exactly once where a subscription asks for it. Not here, and
refused with a reason: transforms, unwrapped pushes, Cloud Storage and Bigtable subscriptions. Ordering keys are
carried, but a message that is delivered again does not hold back later ones of its key.
"""
