# Voice Generation (Text-to-Speech) - async with polling
# Step 1: Submit voice generation job (8 credits)
curl -X POST https://api.creativeai.run/api/generate/voice \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"text": "Welcome to CreativeAI. Your product video is ready.",
"voice": "alloy",
"language": "en",
"speed": 1.0,
"webhook_url": "https://your-app.com/webhooks/creativeai/voice"
}'
# Response: { "id": "voice_abc123", "status": "PENDING", ... }
# Step 2: Poll for completion
curl https://api.creativeai.run/api/generate/status/voice_abc123 \
-H "Authorization: Bearer YOUR_API_KEY"
