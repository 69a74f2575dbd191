select
  workflow, hour::date as day, channel, taxonomy, topic,
  sum(messages)::bigint as messages,
  sum(negative)::bigint as negative,
  sum(neutral)::bigint as neutral,
  sum(positive)::bigint as positive,
  sum(anger)::bigint as anger,
  sum(joy)::bigint as joy,
  sum(optimism)::bigint as optimism,
  sum(sadness)::bigint as sadness
from {{ ref('agg_hour') }}
group by all
order by workflow, day, taxonomy, topic, channel
