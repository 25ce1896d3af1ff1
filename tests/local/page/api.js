// Requests to the API and to the local stack.

/** Sends a request and returns the answer with what the network showed of it. Rejects only if there is no answer. */
export async function call(method, path, { as, token, key, body, signal } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const begun = performance.now();
  const response = await fetch(path, {
    method,
    headers,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    method,
    path,
    as,
    key,
    text,
    request: body,
    ok: response.ok,
    status: response.status,
    replayed: response.headers.get("Idempotent-Replayed") === "true",
    requestId: response.headers.get("apigw-requestid"),
    body: parsed(text),
    ms: performance.now() - begun,
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Why a request was refused, in the API's words or the local stack's. */
export const reason = (answer) => answer.body?.detail ?? answer.body?.message ?? `status ${answer.status}`;

/** Asks the local stack, and throws what it says where it refuses. */
export async function local(path, body) {
  const answer = await call(body === undefined ? "GET" : "POST", `/local/${path}`, { body });
  if (!answer.ok) throw new Error(reason(answer));
  return answer.body;
}

/** The path of an account, or of something below it. */
export const accountPath = (id, rest = "") => `/v1/accounts/${encodeURIComponent(id)}${rest}`;
