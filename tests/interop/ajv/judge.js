// Reads {schema, values} as JSON and tells of each value whether the schema takes it.
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";

const { schema, values } = JSON.parse(readFileSync(0, "utf8"));
// Strict: a schema with a word that Ajv does not know, or that it would ignore, is an error.
const taken = new Ajv.default({ strict: true }).compile(schema);
process.stdout.write(JSON.stringify(values.map((value) => taken(value))));
