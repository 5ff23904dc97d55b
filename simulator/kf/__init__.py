"""WeChat customer service (微信客服): accounts, customers, servicers, and the API behind the bell (§6, rules 38–42)."""
