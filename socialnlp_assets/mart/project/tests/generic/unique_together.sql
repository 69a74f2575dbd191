{% test unique_together(model, columns) %}
  select {{ columns | join(', ') }}
  from {{ model }}
  where (workflow, hour) in (select (workflow, hour) from stage.hour)
  group by all
  having count(*) > 1
{% endtest %}
