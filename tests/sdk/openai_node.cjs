// OpenAI's own client for Node, unmodified: one call after the other, what came of each as one line of JSON.
const { createWriteStream, readFileSync } = require("node:fs");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const OpenAI = require("openai");
const { toFile } = OpenAI;

const client = new OpenAI({ apiKey: process.env.KEY, baseURL: `${process.env.HOST}/v1`, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello!" }];
const say = (name, value) => console.log(JSON.stringify([name, value]));

const refusal = async (call) => {
  try {
    await call();
    return "no error";
  } catch (error) {
    return {
      kind: error.constructor.name,
      status: error.status,
      code: error.code,
      param: error.param,
      type: error.type,
      requestID: error.requestID,
    };
  }
};

(async () => {
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  say("models", models);

  const made = await client.images.generate({ model: "dall-e-3", prompt: "A lighthouse", size: "1024x1024" });
  say("image", made.data[0]);
  const edited = await client.images.edit({
    model: "gpt-image-1",
    image: await toFile(readFileSync("room.png"), "room.png", { type: "image/png" }),
    prompt: "A sunlit room",
    size: "1024x1024",
  });
  say("edit", edited.data[0]);

  let video = await client.videos.create({ model: "auto", prompt: "A fox in the snow", seconds: "5" });
  while (video.status === "queued" || video.status === "in_progress") {
    await new Promise((done) => setTimeout(done, 200));
    video = await client.videos.retrieve(video.id);
  }
  say("video", video);
  const film = await client.videos.downloadContent(video.id);
  await pipeline(Readable.fromWeb(film.body), createWriteStream("film.mp4"));

  const speech = await client.audio.speech.create({ model: "auto", voice: "nova", input: "Hello from the farm." });
  say("speech", (await speech.arrayBuffer()).byteLength);
  const written = await client.audio.transcriptions.create({
    model: "whisper-1",
    file: await toFile(readFileSync("hello.wav"), "hello.wav"),
    response_format: "verbose_json",
    timestamp_granularities: ["word"],
  });
  say("transcription", { text: written.text, words: written.words.length });

  const { data, response } = await client.chat.completions
    .create({ model: "gpt-4o-mini", messages })
    .withResponse();
  say("chat", { said: data.choices[0].message.content, actual: response.headers.get("x-model-actual") });
  let streamed = "";
  for await (const piece of await client.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true })) {
    streamed += piece.choices[0].delta.content ?? "";
  }
  say("stream", streamed);

  const native = await client.post("/video/generations", {
    body: { model: "auto", prompt: "A fox in the snow", duration: 5 },
  });
  say("native", { id: native.id, status: native.status });

  say("bad", await refusal(() => client.images.generate({ model: "dall-e-3", prompt: "x", n: 9 })));
  say("policy", await refusal(() => client.images.generate({ model: "dall-e-3", prompt: "hardcore porn" })));
  say("away", await refusal(() => client.images.generate({ model: "flux-pro", prompt: "x" })));
  say("stranger", await refusal(() => client.withOptions({ apiKey: "farm_live_nobody" }).models.list()));
})();
