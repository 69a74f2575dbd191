{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_hours() }}') }}

with exploded as (
  select workflow, hour, message_id, place_id, unnest(aspects) as item from {{ source('stage', 'message') }}
)
select
  workflow, hour, message_id, place_id, struct_extract(item, 'aspect') as aspect, struct_extract(item, 'label') as label, struct_extract(item, 'score') as score
from exploded
order by workflow, hour, message_id, aspect
