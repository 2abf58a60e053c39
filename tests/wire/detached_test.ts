import assert from "node:assert/strict";
import { evalWithGc } from "../eval_with_gc.ts";

/** What is decoded of a document that also holds a megabyte of something else. */
const documents: Readonly<Record<string, string>> = {
  "a state of dialect 1": `parseStateDocument(
    '{"peers":[{"id":"p","public_key":"k","mesh_ip":"","psk":"' + filler +
    '"}],"policies":[{"id":"a","rules":[{"src":"10.0.0.0/8"}]}],' +
    '"data":[{"key":"d","content_type":"application/json","version":1,' +
    '"payload":{"text":"long enough to be a slice"},"updated_at":""}]}')`,
  "a state of dialect 2": `parseSnapshot2('{"peers":[],"bridge":null,' +
    '"reports":null,"reachability":{"state":"' + filler + '"},"state":null,' +
    '"policy":{"revision_id":"r","fingerprint":"f","rules":[{"action":"allow",' +
    '"protocol":"tcp","source_cidr":"a","destination_cidr":"b"}]}}')`,
  "a state event": `parseNodeStateUpdate('{"filler":"' + filler +
    '","data":[{"key":"d","content_type":"application/json","version":1,' +
    '"payload":{"text":"long enough to be a slice"},"updated_at":""}]}')`,
};

Deno.test("what is decoded keeps nothing else of its document in memory", async () => {
  const program = `
    import { parseStateDocument } from "./src/wire/state_document.ts";
    import { parseNodeStateUpdate } from "./src/wire/state_updates.ts";
    import { parseSnapshot2 } from "./src/wire/dialect2/parse_snapshot2.ts";
    const held = (decode) => {
      const kept = [];
      gc();
      const before = Deno.memoryUsage().heapUsed;
      for (let at = 0; at < 20; at++) kept.push(decode(String(at).repeat(500_000)));
      gc();
      return (Deno.memoryUsage().heapUsed - before) / kept.length;
    };
    console.log(JSON.stringify([${
    Object.values(documents).map((decode) => `held((filler) => ${decode})`)
  }]));
  `;
  const printed = await evalWithGc(program);
  const held: number[] = JSON.parse(printed);
  Object.keys(documents).forEach((name, at) => {
    assert.ok(held[at]! < 200_000, `${name} keeps ${held[at]} bytes`);
  });
});
