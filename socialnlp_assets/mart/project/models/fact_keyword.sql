{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_hours() }}') }}

with exploded as (
  select workflow, hour, message_id, unnest(keywords) as item from {{ source('stage', 'message') }}
)
select workflow, hour, message_id, struct_extract(item, 'kind') as kind, struct_extract(item, 'phrase') as phrase, struct_extract(item, 'score') as score
from exploded
order by workflow, hour, message_id, kind, phrase
