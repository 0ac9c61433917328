# Merge generated narration onto an existing video
# Step 1: submit a composition job
curl -X POST https://api.creativeai.run/api/generate/compose -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"video_url": "https://cdn.creativeai.run/output/product-demo.mp4",
"audio_url": "https://cdn.creativeai.run/output/voice-abc123.mp3",
"replace_audio": true,
"webhook_url": "https://your-app.com/webhooks/creativeai/compose"
}'
# Step 2: poll the shared async status endpoint if you are not using webhooks
curl https://api.creativeai.run/api/generate/status/comp_xyz789 -H "Authorization: Bearer YOUR_API_KEY"
