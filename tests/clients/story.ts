// Buys, quotes, holds, captures, debits, is refused and refunds through the TypeScript client of docs/clients.md, on
// the local stack behind a network that loses answers.
import assert from "node:assert/strict";
import type { components } from "./api.js";
import { pay, run } from "./jobs.js";
import { connect } from "./scrip.js";

type Credits = components["schemas"]["Credits"];
type Entry = components["schemas"]["Entry"];

const [stack, network] = process.argv.slice(2) as [string, string];
const account_id = "auth0|typescript";
const path = { account_id };

async function local<Answer>(route: string, body: object): Promise<Answer> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${stack}/local/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, `${route}: ${answer.status}`);
  return (await answer.json()) as Answer;
}

const buy = (sku: string) => local<{ purchase_id: string }>("buy", { account_id, sku });

/** How often a request to that path, below the account's, was sent with that key. */
async function attempts(below: string, key = ""): Promise<unknown> {
  const query = new URLSearchParams({ path: `/v1/accounts/${encodeURIComponent(account_id)}/${below}`, key });
  return (await fetch(`${network}/attempts?${query}`)).json();
}

function credits(playground: number, tune: number, tune_image: number): Credits {
  return { playground, tune, tune_image };
}

/** What an entry says beside what all of them say; by its kind the compiler knows its fields. */
function about(entry: Entry): string {
  switch (entry.kind) {
    case "debit":
    case "hold":
      return `${entry.kind} ${entry.operation.operation}`;
    case "capture":
      return `capture ${entry.captured.playground}`;
    case "refund":
      return `refund, spent ${entry.credits_spent.tune_image}`;
    default:
      return entry.kind;
  }
}

// Noon of the 2nd of a month: no month ends meanwhile.
const now = new Date();
const second = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 2, 12));
await local("clock", { to: second, runs_schedule: false });
const tokens = await local<{ user: string; backend: string; support: string }>("tokens", { account_id });
const user = connect(network, tokens.user);
const backend = connect(network, tokens.backend);
const support = connect(network, tokens.support);

await buy("basic_monthly");
const pack = await buy("tune_pack");

// A price, and what the account can afford.
const body = { operation: "text_to_image", width: 768, height: 512, steps: 80, images: 2 } as const;
const price = await user.POST("/v1/quotes", { body });
assert.deepEqual(price.data?.credits, credits(4, 0, 0));
assert.deepEqual(price.data.tier, { width: 512, height: 768, steps_max: 100 });
const quote = await user.POST("/v1/accounts/{account_id}/quotes", { params: { path }, body });
assert.equal(quote.data?.affordable, true);
assert.equal(quote.data.affordable_images, 500);
assert.deepEqual(quote.data.balance, credits(1000, 1, 64));

// A job of which one image fails, and of which every first answer gets lost.
let worked = 0;
const work = async (images: number) => {
  worked += 1;
  return images - 1;
};
const done = await run(backend, account_id, "upscale-lost", 4, work);
assert.ok("captured" in done);
assert.deepEqual([done.captured, done.returned], [credits(6, 0, 0), credits(2, 0, 0)]);
assert.deepEqual(done.balance, credits(994, 1, 64));
assert.equal(await attempts("holds", "upscale-lost"), 3);
assert.equal(await attempts("holds/upscale-lost/capture"), 3);

// The job again, under its key: no work, no credits. The hold and the capture again: the same answers.
assert.deepEqual(await run(backend, account_id, "upscale-lost", 4, work), { status: "captured" });
assert.equal(worked, 1);
const held = await user.POST("/v1/accounts/{account_id}/holds", {
  params: { path, header: { "Idempotency-Key": "upscale-lost" } },
  body: { operation: "upscale", factor: 4, images: 4, expires_in: 3600 },
});
assert.deepEqual([held.data?.status, held.data?.credits], ["held", credits(8, 0, 0)]);
assert.equal(held.response.headers.get("Idempotent-Replayed"), "true");
assert.equal(held.response.headers.get("Hold-Status"), "captured");
const params = { path: { account_id, hold_id: "upscale-lost" } };
const replay = await backend.POST("/v1/accounts/{account_id}/holds/{hold_id}/capture", { params, body: { images: 3 } });
assert.equal(replay.response.headers.get("Idempotent-Replayed"), "true");
assert.deepEqual(replay.data, done);
const other = await backend.POST("/v1/accounts/{account_id}/holds/{hold_id}/release", { params, body: {} });
assert.ok(other.error && "code" in other.error && other.error.code === "hold_settled");
assert.equal(other.error.hold_status, "captured");
assert.deepEqual(other.error.captured, credits(6, 0, 0));

// A debit whose first answer is cut, and one for which there is too little: asked once, and paid for under the same key
// after a purchase.
const first = await pay(user, account_id, "tune-cut", 5);
assert.equal(await attempts("debits", "tune-cut"), 2);
assert.deepEqual([first.debit?.credits, first.debit?.balance], [credits(0, 0, 40), credits(994, 1, 24)]);
assert.deepEqual(await pay(user, account_id, "tune-cut", 5), first);
const refused = await pay(user, account_id, "tune-2", 10);
assert.deepEqual(refused, { remedies: ["tune_pack", "avatar_pack"] });
assert.equal(await attempts("debits", "tune-2"), 1);
await buy("avatar_pack");
const paid = await pay(user, account_id, "tune-2", 10);
assert.deepEqual([paid.debit?.credits, paid.debit?.balance], [credits(0, 0, 80), credits(994, 1, 48)]);

// A pack goes back: what was spent of it stays spent.
const refund = () => support.POST("/v1/accounts/{account_id}/purchases/{purchase_id}/refund", {
  params: { path: { account_id, purchase_id: pack.purchase_id } },
  body: { reason: "changed their mind" },
});
const refunded = await refund();
assert.equal(refunded.response.status, 200);
assert.deepEqual([refunded.data?.status, refunded.data?.amount, refunded.data?.currency], ["refunded", 900, "usd"]);
assert.deepEqual(refunded.data?.credits_revoked, credits(0, 1, 48));
assert.deepEqual(refunded.data.credits_spent, credits(0, 0, 16));
assert.deepEqual((await refund()).data, refunded.data);

// The ledger says all of it once, newest first.
const shown = await user.GET("/v1/accounts/{account_id}/entries", { params: { path } });
assert.deepEqual(shown.data?.entries.map(about), [
  "refund, spent 16",
  "debit tune_images",
  "purchase",
  "debit tune_images",
  "capture 6",
  "hold upscale",
  "purchase",
  "purchase",
]);
assert.deepEqual(shown.data.entries[0]?.balance, credits(994, 0, 0));

// A job whose credits came back isn't paid for by its old key.
const reversal = await backend.POST("/v1/accounts/{account_id}/debits/{debit_id}/reversals", {
  params: { path: { account_id, debit_id: "tune-2" }, header: { "Idempotency-Key": "tune-2-failed" } },
  body: {},
});
assert.equal(reversal.response.status, 201);
assert.deepEqual(await pay(user, account_id, "tune-2", 10), { reversed: "playground=0, tune=0, tune_image=80" });

// Another's account, and a token that is none.
const forbidden = await user.GET("/v1/accounts/{account_id}", { params: { path: { account_id: "another" } } });
assert.ok(forbidden.error && "code" in forbidden.error && forbidden.error.code === "forbidden");
const stranger = await connect(network, "none").GET("/v1/accounts/{account_id}", { params: { path } });
assert.equal(stranger.response.status, 401);
assert.deepEqual(stranger.error, { message: "Unauthorized" });

console.log("TypeScript: quote, hold, capture, replay, refusal and refund are as documented.");
