# Batch Video Generation - generate up to 20 videos in one request
curl -X POST https://api.creativeai.run/v1/video/generations/batch \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"prompts": [
{"prompt": "Product showcase video, rotating 360 degrees", "image_url": "https://example.com/product1.png"},
{"prompt": "Social media clip, dynamic transitions"},
{"prompt": "Aerial drone shot over mountains at sunset"}
],
"model": "auto",
"aspect_ratio": "16:9",
"duration": 5,
"webhook_url": "https://your-app.com/webhooks/creativeai/batch"
}'
# Response: { "batch_id": "video_batch_abc123", "total_jobs": 3, ... }
# Check batch status
curl https://api.creativeai.run/v1/video/generations/batch/video_batch_abc123 \
-H "Authorization: Bearer YOUR_API_KEY"
