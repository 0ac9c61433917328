# Chart-to-Video: Turn financial charts into animated investor videos
# Step 1: Submit chart-to-video job with image or data
curl -X POST https://api.creativeai.run/api/generate/chart-to-video -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"chart_image_url": "https://example.com/charts/q4-revenue.png",
"animation_style": "ken_burns",
"title": "Q4 Revenue Growth",
"duration": 10,
"webhook_url": "https://your-app.com/webhooks/creativeai/chart-video"
}'
# Alternative: Data-driven chart generation
curl -X POST https://api.creativeai.run/api/generate/chart-to-video -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"chart_data": {
"type": "line",
"labels": ["Q1", "Q2", "Q3", "Q4"],
"datasets": [{"label": "Revenue", "data": [1.2, 1.8, 2.4, 3.1]}]
},
"animation_style": "build_up",
"title": "Revenue Trajectory",
"duration": 8
}'
# Step 2: Poll the shared async status endpoint
curl https://api.creativeai.run/api/generate/status/chart_xyz123 -H "Authorization: Bearer YOUR_API_KEY"
