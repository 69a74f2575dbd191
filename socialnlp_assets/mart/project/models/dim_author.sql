select
  workflow, author, channel, min(hour)::date as first_day, max(hour)::date as last_day, count(*) as messages,
  max(author_followers) as followers
from {{ ref('fact_message') }}
where author is not null
group by all
order by all
