"""The ``bots.yaml`` of an installation with one bot, for tests to which nothing but its collection matters."""

ONE_BOT = f"""
bots:
  imaging:
    name: 影像
    tenant: academy
    knowledge: [imaging]
    admins: [zhang.wei]
    channels:
      app: {{type: wecom-app, corp_id: ww1, agent_id: 7, secret: s, token: tok, encoding_aes_key: {"k" * 42}A}}
"""
