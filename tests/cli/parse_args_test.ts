import assert from "node:assert/strict";
import { CommandError } from "../../src/cli/command.ts";
import { flagsOf } from "../../src/cli/command_table.ts";
import { COMMANDS, TABLE } from "../../src/cli/commands.ts";
import { parseLine } from "../../src/cli/parse_args.ts";

function problemOf(words: readonly string[]): CommandError {
  try {
    parseLine(words);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  return assert.fail(`accepted: ${words.join(" ")}`);
}

Deno.test("parseLine() takes flags before, between and after the words", () => {
  const line = parseLine([
    "--cluster",
    "a",
    "state",
    "--output=json",
    "get",
    "data",
    "motd",
    "--log-level",
    "debug",
  ]);
  assert.equal(line.command?.name, "state get");
  assert.deepEqual(line.args, ["data", "motd"]);
  assert.deepEqual(line.flags, {
    "--cluster": "a",
    "--output": "json",
    "--log-level": "debug",
  });
});

Deno.test("parseLine() takes the value of every flag of every command after a space, too", () => {
  for (const command of COMMANDS) {
    const words = command.args.map(({ choices }) => choices?.[0] ?? "word");
    const required = command.flags.filter((flag) => flag.required)
      .map(({ name }) => `${name}=given`);
    for (const { name, value, choices } of flagsOf(command)) {
      if (value === undefined) continue;
      const given = choices?.[0] ?? "given";
      const others = required.filter((one) => !one.startsWith(`${name}=`));
      const line = [...command.name.split(" "), ...words, ...others];
      const { args, flags } = parseLine([...line, name, given]);
      assert.deepEqual(args, words, `${command.name} ${name}`);
      assert.equal(flags[name], given, `${command.name} ${name}`);
    }
  }
});

Deno.test("parseLine() takes a value that looks like a flag after =", () => {
  const { flags } = parseLine(["state", "report", "k", "--data=--x"]);
  assert.equal(flags["--data"], "--x");
});

Deno.test("parseLine() takes everything after -- as words", () => {
  const { args } = parseLine(["state", "get", "data", "--", "--odd"]);
  assert.deepEqual(args, ["data", "--odd"]);
});

Deno.test("parseLine() takes --print-state for a command", () => {
  const { command, flags } = parseLine(["--cluster", "a", "--print-state"]);
  assert.equal(command?.name, "--print-state");
  assert.deepEqual(flags, { "--cluster": "a" });
});

Deno.test("parseLine() takes --print-state after -- or = for a text", () => {
  const key = parseLine(["state", "get", "data", "--", "--print-state"]);
  assert.equal(key.command?.name, "state get");
  const data = parseLine(["state", "report", "k", "--data=--print-state"]);
  assert.equal(data.flags["--data"], "--print-state");
});

Deno.test("parseLine() takes - as a value", () => {
  const { flags } = parseLine(["state", "report", "k", "--data", "-"]);
  assert.equal(flags["--data"], "-");
});

Deno.test("parseLine() takes a letter for the flag that it stands for", () => {
  const { command, flags } = parseLine(["store", "verify", "-h"]);
  assert.equal(command?.name, "store verify");
  assert.deepEqual(flags, { "--help": true });
});

Deno.test("parseLine() takes the first word of a family alone", () => {
  assert.equal(parseLine(["store"]).family, "store");
  assert.equal(parseLine(["store", "--help"]).family, "store");
});

Deno.test("parseLine() gives help all further words", () => {
  const { command, args } = parseLine(["help", "store", "verify"]);
  assert.equal(command?.name, "help");
  assert.deepEqual(args, ["store", "verify"]);
});

const wrong = [
  {
    when: "the command is misspelled",
    words: ["statsu"],
    message: 'there is no command "statsu"',
    hint: 'did you mean "plexd status"?',
  },
  {
    when: "the command is like no other",
    words: ["frobnicate"],
    message: 'there is no command "frobnicate"',
    hint: "plexd --help lists all commands",
  },
  {
    when: "the second word of a family is misspelled",
    words: ["store", "verfy"],
    message: 'there is no command "store verfy"',
    hint: 'did you mean "plexd store verify"?',
  },
  {
    when: "the first word of two is misspelled",
    words: ["stoer", "repair"],
    message: 'there is no command "stoer"',
    hint: 'did you mean "plexd store repair"?',
  },
  {
    when: "the first word of two is left out",
    words: ["accept-epoch"],
    message: 'there is no command "accept-epoch"',
    hint: 'did you mean "plexd store accept-epoch"?',
  },
  {
    when: "the second word of a family is like no other",
    words: ["store", "frobnicate"],
    message: 'there is no command "store frobnicate"',
    hint: "plexd store lists its commands",
  },
  {
    when: "a flag without a command is misspelled",
    words: ["--outptu", "json", "peers"],
    message: 'there is no flag "--outptu"',
    hint: 'did you mean "--output"?',
  },
  {
    when: "a short word is like a short command in nothing but its length",
    words: ["me"],
    message: 'there is no command "me"',
    hint: "plexd --help lists all commands",
  },
  {
    when: "one letter is no word that could be near another",
    words: ["dev", "--dialect", "3"],
    message: '--dialect is 1 or 2, not "3"',
    hint: undefined,
  },
  {
    when: "an argument is like no value that it can have",
    words: ["completion", "tcsh"],
    message: 'SHELL is bash, zsh or fish, not "tcsh"',
    hint: "plexd completion --help",
  },
  {
    when: "two letters are swapped",
    words: ["jion"],
    message: 'there is no command "jion"',
    hint: 'did you mean "plexd join"?',
  },
  {
    when: "the value of a flag is misspelled",
    words: ["peers", "--output", "jsno"],
    message: '--output is table, json or yaml, not "jsno"',
    hint: 'did you mean "json"?',
  },
  {
    when: "an argument can only be one of some",
    words: ["call", "get", "/v1/ping"],
    message: 'METHOD is GET, POST, PUT or DELETE, not "get"',
    hint: 'did you mean "GET"?',
  },
  {
    when: "a flag is misspelled",
    words: ["up", "--cnfig", "x"],
    message: 'there is no flag "--cnfig" for "plexd up"',
    hint: 'did you mean "--config"?',
  },
  {
    when: "a flag belongs to another command",
    words: ["status", "--tour"],
    message: 'there is no flag "--tour" for "plexd status"',
    hint: "plexd status --help lists all flags",
  },
  {
    when: "a flag has no meaning for the command",
    words: ["dev", "--config", "x"],
    message: 'there is no flag "--config" for "plexd dev"',
    hint: "plexd dev --help lists all flags",
  },
  {
    when: "a token is given as a flag",
    words: ["join", "--token", "psst"],
    message: 'there is no flag "--token" for "plexd join"',
    hint: 'did you mean "--token-file"?',
  },
  {
    when: "a value is missing",
    words: ["up", "--config"],
    message: "--config needs a value",
    hint: "write it as --config FILE",
  },
  {
    when: "a flag stands where a value should",
    words: ["--config", "--cluster", "x", "up"],
    message: "--config needs a value",
    hint: "write it as --config FILE",
  },
  {
    when: "the second word of a command is misspelled",
    words: ["state", "gte", "data", "x"],
    message: '"plexd state" does not take "gte"',
    hint: 'did you mean "plexd state get"?',
  },
  {
    when: "--print-state stands beside a command",
    words: ["up", "--print-state"],
    message: '"plexd up" does not take "--print-state"',
    hint: "plexd up --help",
  },
  {
    when: "a switch has a value",
    words: ["dev", "--tour=yes"],
    message: "--tour takes no value",
    hint: undefined,
  },
  {
    when: "a short flag is used",
    words: ["status", "-v"],
    message: 'there is no flag "-v"',
    hint: "plexd --help lists all flags",
  },
  {
    when: "an argument is missing",
    words: ["state", "get", "data"],
    message: '"plexd state get" needs KEY (key of the entry)',
    hint: "usage: plexd state get TYPE KEY",
  },
  {
    when: "an argument is missing, and others may be left out",
    words: ["admin", "--output", "json", "domains"],
    message: '"plexd admin domains" needs WHAT (list, create, nodes)',
    hint: "usage: plexd admin domains WHAT [NAME]",
  },
  {
    when: "a flag without its value takes the second word of the command",
    words: ["admin", "--output", "nodes", "list"],
    message: '"nodes" was taken for the value of --output',
    hint: "write it as --output FORM",
  },
  {
    when: "a flag without its value takes the first word of the command",
    words: ["--cluster", "store", "verify"],
    message: '"store" was taken for the value of --cluster',
    hint: "write it as --cluster NAME",
  },
  {
    when: "a flag of some commands stands beside none",
    words: ["admin", "--file", "-"],
    message: "--file needs a command that it is for",
    hint: "such as plexd admin data, plexd admin secrets, plexd admin policies",
  },
  {
    when: "there is a word too many",
    words: ["status", "now"],
    message: '"plexd status" does not take "now"',
    hint: "plexd status --help",
  },
  {
    when: "a needed flag is missing",
    words: ["download", "1.2.0"],
    message: '"plexd download" needs --to FILE',
    hint: "plexd download --help",
  },
];

for (const { when, words, message, hint } of wrong) {
  Deno.test(`parseLine() says what to do when ${when}`, () => {
    const problem = problemOf(words);
    assert.equal(problem.exitCode, 2);
    assert.equal(problem.message, message);
    assert.equal(problem.hint, hint);
  });
}

Deno.test("no command takes a token or key as an argument", () => {
  const flags = COMMANDS.flatMap((command) => command.flags);
  const risky = flags.filter((flag) =>
    /token|secret|password/.test(flag.name) && flag.value !== "FILE"
  );
  assert.deepEqual(risky, []);
});

Deno.test("a flag takes a value in every command or in none", () => {
  // The parser tells values from words before it knows the command.
  const kinds = new Map<string, boolean>();
  for (const { name, value } of COMMANDS.flatMap(flagsOf)) {
    const takesValue = value !== undefined;
    assert.equal(kinds.get(name) ?? takesValue, takesValue, name);
    kinds.set(name, takesValue);
  }
});

Deno.test("only the last arguments of a command may be left out", () => {
  for (const { name, args } of COMMANDS) {
    const first = args.findIndex(({ optional }) => optional);
    const rest = first < 0 ? [] : args.slice(first);
    assert.ok(rest.every(({ optional }) => optional), name);
    assert.ok(args.slice(0, -1).every(({ repeated }) => !repeated), name);
  }
});

Deno.test("every command that has two words is of a family or of a command", () => {
  const firsts = [
    ...Object.keys(TABLE.families),
    ...COMMANDS.map(({ name }) => name),
  ];
  for (const { name } of COMMANDS.filter(({ name }) => name.includes(" "))) {
    // Completions know no third one.
    assert.equal(name.split(" ").length, 2, name);
    assert.ok(firsts.includes(name.split(" ")[0]!), name);
  }
});
