select
  workflow, place_id, min(hour)::date as first_day, max(hour)::date as last_day, count(*) as messages,
  round(avg(rating), 4) as mean_rating
from {{ ref('fact_message') }}
where place_id is not null
group by all
order by all
