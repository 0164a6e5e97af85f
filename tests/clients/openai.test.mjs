// OpenAI's own client for Node.js against a live server, whose address and key are in the environment.
// The model says "훈민정음은 백성을 가", and asks for the weather wherever that is offered as a tool.

import assert from "node:assert/strict";
import test from "node:test";

import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.HUNMIN_ADDRESS}/v1`,
  apiKey: process.env.HUNMIN_KEY,
  maxRetries: 0,
});
const model = "paper";
const said = "훈민정음은 백성을 가";
const messages = [{ role: "user", content: "안녕?" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tool = { type: "function", function: { name: "weather", parameters } };

test("a chat is answered", async () => {
  const answer = await client.chat.completions.create({ model, messages });

  assert.equal(answer.choices[0].message.content, said);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.completion_tokens, said.length);
});

test("a chat is streamed, with the token counts at the end", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let last;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    last = chunk;
  }

  assert.equal(text, said);
  assert.equal(last.usage.completion_tokens, said.length);
});

test("a stream that is left is ended", async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }

  assert.ok(stream.controller.signal.aborted);
});

test("tools are called by the client's own runner until the model has its answer", async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model,
    messages,
    tools: [
      {
        type: "function",
        function: {
          name: "weather",
          parameters,
          parse: JSON.parse,
          function: ({ city }) => {
            asked.push(city);
            return "맑음";
          },
        },
      },
    ],
  }, { maxChatCompletions: 2 });
  await runner.done();
  const results = runner.messages.filter((message) => message.role === "tool");

  assert.deepEqual(asked, ["서울", "서울"]);
  assert.deepEqual(results.map((message) => message.content), ["맑음", "맑음"]);
});

test("calls are put together by the client's own stream", async () => {
  const stream = client.chat.completions.stream({ model, messages, tools: [tool] });
  const answer = await stream.finalChatCompletion();

  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "서울" });
});

test("a response is answered, and streamed with its calls", async () => {
  const answer = await client.responses.create({ model, input: "안녕?" });
  const stream = client.responses.stream({
    model,
    input: "안녕?",
    tools: [{ type: "function", name: "weather", parameters, strict: false }],
  });
  const final = await stream.finalResponse();

  assert.equal(answer.output_text, said);
  assert.equal(final.output[0].content[0].text, said);
  assert.equal(final.output[1].name, "weather");
  assert.equal(final.output[1].arguments, '{"city": "서울"}');
});

test("an answer may be held to a form", async () => {
  const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const answer = await client.chat.completions.create({
    model,
    messages,
    response_format: { type: "json_schema", json_schema: { name: "person", schema } },
  });

  assert.equal(answer.choices[0].message.content, said);
});

test("a text is continued, and a list of models is read", async () => {
  const answer = await client.completions.create({ model, prompt: "옛날", max_tokens: 5 });
  const names = [];
  for await (const one of client.models.list()) names.push(one.id);

  assert.equal(answer.choices[0].text, "훈민정음은");
  assert.deepEqual(names, ["paper", "paper-base"]);
});

test("vectors come as numbers, whatever is sent between", async () => {
  const told = await client.embeddings.create({ model, input: ["가", "나"] });
  const plain = await client.embeddings.create({
    model,
    input: ["가", "나"],
    encoding_format: "float",
  });

  assert.equal(told.data.length, 2);
  for (const [place, { embedding }] of told.data.entries()) {
    for (const [at, value] of embedding.entries()) {
      assert.ok(Math.abs(value - plain.data[place].embedding[at]) < 1e-6);
    }
  }
});

test("errors are the client's own, with a code and the request's id", async () => {
  await assert.rejects(client.chat.completions.create({ model: "gpt-9", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.ok(error.requestID);
    return true;
  });
  await assert.rejects(
    client.chat.completions.create({ model, messages, temperature: 3 }),
    OpenAI.BadRequestError,
  );
  await assert.rejects(
    client.withOptions({ apiKey: "hm-no-such-key" }).models.list(),
    OpenAI.AuthenticationError,
  );
});
