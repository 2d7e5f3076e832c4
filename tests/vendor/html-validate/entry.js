import { HtmlValidate, StaticConfigLoader } from "html-validate/browser";
export function judge(markup, config) {
  const loader = new StaticConfigLoader(config);
  const validator = new HtmlValidate(loader);
  const report = validator.validateStringSync(markup);
  return report.results.flatMap(r => r.messages.map(m => ({rule: m.ruleId, line: m.line, column: m.column, message: m.message, severity: m.severity})));
}
