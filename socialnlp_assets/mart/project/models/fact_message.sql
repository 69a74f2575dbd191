{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_hours() }}') }}

select
  workflow, hour, message_id, channel, kind, created_at, language, author, author_followers, country, place_id, rating,
  sentiment, sent_negative, sent_neutral, sent_positive, emotion, text, title, permalink
from {{ source('stage', 'message') }}
order by workflow, hour, created_at, message_id
