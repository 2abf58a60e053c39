/** What `--output` may say. JSON is the stable form for programs. */
export const OUTPUT_FORMS = ["table", "json", "yaml"] as const;
export type OutputForm = typeof OUTPUT_FORMS[number];
