# Advanced Editing: Inpainting, Outpainting, Style Transfer
curl -X POST https://api.creativeai.run/v1/images/edits \
-H "Authorization: Bearer YOUR_API_KEY" \
-F model="seedream-v4.5-edit" \
-F image=@product-shot.png \
-F mask=@hand-mask.png \
-F prompt="A natural human hand with five fingers holding the product in an expanded cinematic scene" \
-F outpaint_direction="all" \
-F style_reference_url="https://example.com/style.jpg" \
-F size="1024x1024"
