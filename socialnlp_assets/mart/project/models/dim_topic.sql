select workflow, taxonomy, topic, min(day) as first_day, max(day) as last_day, sum(messages)::bigint as messages
from {{ ref('agg_day') }}
where taxonomy <> 'all'
group by all
order by all
