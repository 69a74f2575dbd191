{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_hours() }}') }}

with exploded as (
  select workflow, hour, message_id, unnest(topics) as item from {{ source('stage', 'message') }}
)
select workflow, hour, message_id, struct_extract(item, 'taxonomy') as taxonomy, struct_extract(item, 'topic') as topic, struct_extract(item, 'score') as score
from exploded
order by workflow, hour, message_id, taxonomy, topic
