{# What an incremental model of the mart does: forget the hours that are being added again, before it adds them. #}
{% macro forget_hours() %}
  {% if is_incremental() %}
    delete from {{ this }} where (workflow, hour) in (select (workflow, hour) from stage.hour)
  {% endif %}
{% endmacro %}

{# The condition that a row lies in one of the hours that are being added; in all of them when built anew. #}
{% macro in_staged_hours(alias) %}
  {% if is_incremental() %}
    ({{ alias }}.workflow, {{ alias }}.hour) in (select (workflow, hour) from stage.hour)
  {% else %}
    true
  {% endif %}
{% endmacro %}

{# The authors whose messages come or go with those hours are counted again, and no others: there are many. #}
{% macro forget_authors() %}
  {% if is_incremental() %}
    delete from {{ this }} where (workflow, author) in (select (workflow, author) from stage.author)
  {% endif %}
{% endmacro %}
