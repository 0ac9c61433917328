job_id=$(curl -sf -X POST "$HOST/api/generate" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d "$BODY" | jq -r .job_id)
until curl -sf "$HOST/api/status?job_id=$job_id" -H "Authorization: Bearer $KEY" > status.json &&
  jq -e '.status == "completed" or .status == "error"' status.json > ended; do
  sleep 0.5
done
curl -sf "$HOST/api/video/$(jq -r .filename status.json)" -H "Authorization: Bearer $KEY" -o video.mp4
