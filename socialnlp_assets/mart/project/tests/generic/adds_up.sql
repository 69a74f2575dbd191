{# The messages of the aggregate are those of the facts, hour by hour. #}
{% test adds_up(model, to) %}
  select workflow, hour
  from (
    select workflow, hour, sum(messages)::bigint as messages from {{ model }}
    where taxonomy = 'all' and (workflow, hour) in (select (workflow, hour) from stage.hour) group by all
  ) as counted
  full join (
    select workflow, hour, count(*) as messages from {{ to }}
    where (workflow, hour) in (select (workflow, hour) from stage.hour) group by all
  ) as there using (workflow, hour)
  where counted.messages is distinct from there.messages
{% endtest %}
