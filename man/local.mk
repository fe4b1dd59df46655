dist_man_MANS += man/drover-plugin.7
