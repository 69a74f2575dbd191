{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_authors() }}') }}

select
  workflow, author, channel, min(hour)::date as first_day, max(hour)::date as last_day, count(*) as messages,
  max(author_followers) as followers
from {{ ref('fact_message') }}
where author is not null
{% if is_incremental() %}
  and (workflow, author) in (select (workflow, author) from stage.author)
{% endif %}
group by all
order by all
