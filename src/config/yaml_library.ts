/**
 * What is used of the YAML library. It is loaded through this file, when it is
 * wanted: bundled, a package that is itself imported on demand has no named
 * members.
 */
export {
  Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";
