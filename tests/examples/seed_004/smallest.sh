curl -X POST $HOST/api/v1/media-render/jobs \
-H "Authorization: Bearer $KEY" \
-H "Content-Type: application/json" \
-d '{
"projectId": "mrproj_...",
"aspectRatio": "9:16",
"outputFileName": "rendered.mp4"
}'
