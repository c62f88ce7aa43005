-- Tasks of agents that ended in a period. A task is a trace with an agent in it, and belongs to the agent that began first; further agents
-- are hand-offs. A task in which one tool was called often is a loop. Tokens and dollars are those of its calls of models, or where it has
-- none those of that agent.
WITH spans AS (
  SELECT
    trace_id, service, operation, name, failed, ended_at, tokens_in, tokens_out, dollars,
    TIMESTAMP_SUB(ended_at, INTERVAL CAST(seconds * 1000000 AS INT64) MICROSECOND) AS started_at
  FROM telemetry.spans
  WHERE ended_at >= @since AND ended_at < @end AND operation IN ('agent', 'tool', 'model')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY ended_at) = 1
),
firsts AS (
  SELECT trace_id, service, name, failed, ended_at, COALESCE(tokens_in, 0) + COALESCE(tokens_out, 0) AS tokens, dollars
  FROM spans
  WHERE operation = 'agent'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id ORDER BY started_at, ended_at DESC) = 1
),
tools AS (
  SELECT trace_id, MAX(calls) AS calls
  FROM (SELECT trace_id, service, name, COUNT(*) AS calls FROM spans WHERE operation = 'tool' GROUP BY trace_id, service, name) AS each_tool
  GROUP BY trace_id
),
wholes AS (
  SELECT
    trace_id, COUNTIF(operation = 'agent') - 1 AS handoffs, COUNTIF(operation = 'model') AS models,
    SUM(IF(operation = 'model', COALESCE(tokens_in, 0) + COALESCE(tokens_out, 0), 0)) AS tokens, SUM(IF(operation = 'model', dollars, NULL)) AS dollars
  FROM spans
  GROUP BY trace_id
)
SELECT
  firsts.service, firsts.name AS agent, COUNT(*) AS tasks, COUNTIF(firsts.failed) AS failures, COUNTIF(COALESCE(tools.calls, 0) >= @loop) AS loops,
  SUM(wholes.handoffs) AS handoffs, SUM(IF(wholes.models > 0, wholes.tokens, firsts.tokens)) AS tokens,
  COUNT(COALESCE(firsts.dollars, wholes.dollars)) AS priced, SUM(COALESCE(firsts.dollars, wholes.dollars)) AS dollars
FROM firsts
JOIN wholes ON wholes.trace_id = firsts.trace_id
LEFT JOIN tools ON tools.trace_id = firsts.trace_id
WHERE firsts.ended_at >= @start
GROUP BY firsts.service, firsts.name
ORDER BY tasks DESC, firsts.service, agent
LIMIT @most
