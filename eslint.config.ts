/** @file Lint rules: typescript-eslint's type-checked set, and the project's own habits with their remedies. */
import js from "@eslint/js";
import tseslint from "typescript-eslint";

const noClock = "Time and chance are arguments below service/: pass a clock or a Random.";

const exportsByName = [
  { selector: "ExportAllDeclaration", message: "List the exports by name." },
  { selector: "ExportDefaultDeclaration", message: "Export by name." },
];

export default tseslint.config(
  { ignores: ["dist/", "runs/", "node_modules/", "models/", "tests/goldens/", "bench/peers/"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["error", { max: 400, skipBlankLines: false }],
      "max-lines-per-function": ["error", { max: 60 }],
      "no-console": "error",
      "no-restricted-syntax": ["error", ...exportsByName],
    },
  },
  {
    files: ["tests/**", "bench/**", "**/*.node.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...exportsByName,
        {
          selector: "MemberExpression[property.name='pathname'][object.type='NewExpression']",
          message: "A URL's path is no file's: spaces are %20 there. Use fileURLToPath.",
        },
      ],
    },
  },
  {
    files: ["src/cli/**", "bench/**", "examples/**", "recipes/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["src/**"],
    ignores: ["src/service/**", "src/server/**", "src/cli/**", "**/*.test.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: noClock },
        { object: "Date", property: "now", message: noClock },
      ],
    },
  },
  { files: ["**/*.test.ts", "**/*.cases.ts"], rules: { "max-lines-per-function": "off" } },
  // The configuration files' own default export is what their tools read.
  { files: ["**/*.config.ts", "recipes/**"], rules: { "no-restricted-syntax": "off" } },
);
