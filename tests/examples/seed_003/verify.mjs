// Node.js signature verification
import crypto from 'crypto';
function verifyCreativeAiWebhook(rawBody, signatureHeader, signingSecret) {
if (!signatureHeader?.startsWith('sha256=')) return false;
const expected = crypto
.createHmac('sha256', signingSecret)
.update(rawBody)
.digest('hex');
const provided = signatureHeader.slice('sha256='.length);
return crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(provided));
}
