{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_hours() }}') }}

with counted as (
  select workflow, hour, channel, 'all' as taxonomy, 'all' as topic, sentiment, emotion
  from {{ ref('fact_message') }} as message
  where {{ in_staged_hours('message') }}
  union all
  select message.workflow, message.hour, channel, taxonomy, topic, sentiment, emotion
  from {{ ref('fact_message') }} as message
  join {{ ref('fact_message_topic') }} as topic using (workflow, hour, message_id)
  where {{ in_staged_hours('message') }} and {{ in_staged_hours('topic') }}
)
select
  workflow, hour, channel, taxonomy, topic,
  count(*) as messages,
  count(*) filter (sentiment = 'negative') as negative,
  count(*) filter (sentiment = 'neutral') as neutral,
  count(*) filter (sentiment = 'positive') as positive,
  count(*) filter (emotion = 'anger') as anger,
  count(*) filter (emotion = 'joy') as joy,
  count(*) filter (emotion = 'optimism') as optimism,
  count(*) filter (emotion = 'sadness') as sadness
from counted
group by all
order by workflow, hour, taxonomy, topic, channel
