curl "$HOST/api/v1/media-render/voices?language=en&gender=female" \
-H "Authorization: Bearer $KEY"
